// The source view: line numbers, folding by indentation, search, copy, marks at faulty lines.

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function indentation(text) {
  return text.length - text.trimStart().length;
}

function colour(line, text) {
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    line.append(text.slice(end, match.index));
    const part = document.createElement("span");
    part.className = match[2] ? "source-key" : match[1] ? "source-string" : "source-other";
    part.textContent = match[1] ?? match[0];
    line.append(part, match[2] ?? "");
    end = match.index + match[0].length;
  }
  line.append(text.slice(end));
}

function draw(view) {
  const body = view.querySelector("[data-source-body]");
  const source = body.textContent;
  const texts = source.split("\n");
  const faulty = new Map();
  for (const fault of view.querySelectorAll("[data-source-faults] [data-line]")) {
    faulty.set(Number(fault.dataset.line), fault.textContent.trim());
  }
  const lines = texts.map((text, index) => {
    const line = document.createElement("span");
    line.className = "source-line";
    line.dataset.line = String(index + 1);
    if (faulty.has(index + 1)) {
      line.dataset.fault = "";
      line.title = faulty.get(index + 1);
    }
    colour(line, text);
    return line;
  });
  const inside = (index) => {
    const depth = indentation(texts[index]);
    let end = index + 1;
    while (end < texts.length && (texts[end].trim() === "" || indentation(texts[end]) > depth)) end += 1;
    return lines.slice(index + 1, end);
  };
  texts.forEach((text, index) => {
    if (!/[[{]\s*$/.test(text)) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "source-fold";
    button.textContent = "▾";
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-label", `${body.dataset.fold} ${index + 1}`);
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? "▾" : "▸";
      for (const line of inside(index)) line.hidden = !open;
    });
    lines[index].prepend(button);
  });
  body.replaceChildren(...lines);

  const search = view.querySelector("[data-source-search]");
  const found = view.querySelector("[data-source-found]");
  search.hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    texts.forEach((text, index) => {
      const hit = wanted !== "" && text.toLowerCase().includes(wanted);
      lines[index].classList.toggle("found", hit);
      if (hit && (count += 1) === 1) lines[index].scrollIntoView({ block: "nearest" });
    });
    found.textContent = wanted === "" ? "" : String(count);
  });

  const copy = view.querySelector("[data-source-copy]");
  const words = copy.querySelector("span");
  const before = words.textContent;
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source);
    words.textContent = copy.dataset.done;
    setTimeout(() => (words.textContent = before), 2000);
  });

  for (const fault of view.querySelectorAll("[data-source-faults] [data-line]")) {
    fault.addEventListener("click", () => lines[Number(fault.dataset.line) - 1]?.scrollIntoView({ block: "center" }));
  }
}

function drawAll() {
  for (const view of document.querySelectorAll("[data-source]:not([data-drawn])")) {
    view.dataset.drawn = "";
    draw(view);
  }
}
drawAll();
document.addEventListener("portal:sources", drawAll);
