// Trees after the WAI-ARIA pattern: one item in the tab order, arrows to move, open and close; what is below an item
// is fetched by htmx when it is opened for the first time (its group listens for "open").

const items = (tree) =>
  [...tree.querySelectorAll("[role=treeitem]")].filter((item) => !item.parentElement.closest("[aria-expanded=false]"));

function enter(tree, item, { focus = true } = {}) {
  for (const other of tree.querySelectorAll("[role=treeitem][tabindex='0']")) other.tabIndex = -1;
  item.tabIndex = 0;
  if (focus) item.focus();
}

function open(item, wanted) {
  if (!item.hasAttribute("aria-expanded")) return;
  item.setAttribute("aria-expanded", String(wanted));
  if (wanted) item.querySelector(":scope > [role=group]")?.dispatchEvent(new CustomEvent("open"));
}

function choose(tree, item) {
  for (const other of tree.querySelectorAll("[aria-selected=true]")) other.setAttribute("aria-selected", "false");
  item.setAttribute("aria-selected", "true");
}

function move(tree, item, key) {
  const all = items(tree);
  const place = all.indexOf(item);
  const expanded = item.getAttribute("aria-expanded");
  const [ahead, back] = getComputedStyle(tree).direction === "rtl" ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
  if (key === "ArrowDown") return all[place + 1];
  if (key === "ArrowUp") return all[place - 1];
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  if (key === ahead) {
    if (expanded === "false") open(item, true);
    else if (expanded === "true") return item.querySelector(":scope > [role=group] > [role=treeitem]");
    return item;
  }
  if (key === back) {
    if (expanded === "true") open(item, false);
    else return item.parentElement.closest("[role=treeitem]") ?? item;
    return item;
  }
  if (key === "*") {
    for (const one of item.parentElement.children) open(one, true);
    return item;
  }
  if (key.length === 1 && /\S/u.test(key)) {
    const rest = [...all.slice(place + 1), ...all.slice(0, place)];
    return rest.find((one) => one.querySelector(".tree-text")?.textContent.trim().toLocaleLowerCase().startsWith(key.toLocaleLowerCase()));
  }
  return null;
}

function prepare(tree) {
  if (tree.dataset.prepared) return;
  tree.dataset.prepared = "yes";
  const first = tree.querySelector("[aria-selected=true]") ?? tree.querySelector("[role=treeitem]");
  if (first) enter(tree, first, { focus: false });
  tree.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      item.querySelector(":scope > .tree-line > a")?.click();
      return;
    }
    const next = move(tree, item, event.key);
    if (next === null) return;
    event.preventDefault();
    if (next) enter(tree, next);
  });
  tree.addEventListener("click", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    if (event.target.closest(".tree-toggle")) open(item, item.getAttribute("aria-expanded") !== "true");
    else if (event.target.closest("a")) choose(tree, item);
    enter(tree, item);
  });
}

const look = () => document.querySelectorAll("[data-tree]").forEach(prepare);
look();
document.addEventListener("htmx:afterSettle", look);
