// The registrar's editor: tabs, dialogs, dragging. Moving, ticking and saving work without it by plain forms.

let tab = "page";
let dragged = null;

function show(name) {
  tab = name;
  for (const button of document.querySelectorAll("[data-tab]")) {
    const chosen = button.dataset.tab === name;
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
    document.getElementById(button.getAttribute("aria-controls")).hidden = !chosen;
  }
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const button = target?.closest("[data-tab]");
  if (button) show(button.dataset.tab);
  const line = target?.closest("[data-goes-to-line]")?.dataset.goesToLine;
  if (line) document.querySelector(`.source-line[data-line="${line}"]`)?.scrollIntoView({ block: "center" });
});

document.addEventListener("keydown", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-tab]") : null;
  if (!button || !["ArrowRight", "ArrowLeft"].includes(event.key)) return;
  const all = [...document.querySelectorAll("[data-tab]")];
  const step = (event.key === "ArrowRight") === (document.dir !== "rtl") ? 1 : -1;
  const next = all[(all.indexOf(button) + step + all.length) % all.length];
  show(next.dataset.tab);
  next.focus();
});

function itemOf(event) {
  return event.target instanceof Element ? event.target.closest("[data-item]") : null;
}

document.addEventListener("dragstart", (event) => {
  dragged = itemOf(event);
  dragged?.classList.add("is-dragged");
});
document.addEventListener("dragover", (event) => {
  const over = itemOf(event);
  if (!dragged || !over || over === dragged) return;
  event.preventDefault();
  for (const other of document.querySelectorAll(".is-target")) other.classList.remove("is-target");
  over.classList.add("is-target");
});
document.addEventListener("drop", (event) => {
  const over = itemOf(event);
  const form = document.getElementById("order-form");
  if (!dragged || !over || over === dragged || !form) return;
  event.preventDefault();
  over.before(dragged);
  for (const item of document.querySelectorAll("[data-item]")) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "order";
    field.value = item.dataset.item;
    form.append(field);
  }
  form.requestSubmit();
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("is-dragged");
  dragged = null;
});

// After the workspace was exchanged: the same tab, and the focus where it was.
let focused = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  focused = document.activeElement?.id || null;
  // A lost race and a faulty form are answered with the workspace, too.
  if (event.detail.xhr.status === 409) event.detail.shouldSwap = true;
});
document.addEventListener("htmx:afterSettle", () => {
  show(document.getElementById(`tab-${tab}`) ? tab : "page");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("portal:sources"));
});
