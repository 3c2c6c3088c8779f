// Small things that every page may need: dialogs, menus, forms that send themselves. Nothing here is needed to read.

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const opener = target?.closest("[data-opens]");
  if (opener) {
    document.getElementById(opener.dataset.opens)?.showModal();
    return;
  }
  const closer = target?.closest("[data-closes]");
  if (closer) {
    document.getElementById(closer.dataset.closes)?.close();
    return;
  }
  if (target?.closest("[data-prints]")) {
    window.print();
    return;
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});

for (const choice of document.querySelectorAll("[data-submit-on-change]")) {
  const button = choice.form?.querySelector("button[type=submit]");
  if (choice.form?.classList.contains("language-form") && button) button.hidden = true;
  choice.addEventListener("change", () => choice.form?.requestSubmit());
}

// A form is sent once, however often its button is pressed; coming back by the browser's history opens it again.
// One whose answer is a file says so (data-downloads): the page stays, and the file may be asked for again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post") || form.hasAttribute("data-downloads")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Printing shows what is folded away.
let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open]):not(.menu)")];
  for (const part of folded) part.open = true;
});
window.addEventListener("afterprint", () => {
  for (const part of folded) part.open = false;
});
