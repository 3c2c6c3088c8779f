// The certificate designer: once the preview is open in its own tab, it is drawn again after each change.

const button = document.querySelector("[data-preview]");
if (button) {
  const form = button.form;
  let open = null;
  let timer = 0;
  button.addEventListener("click", () => {
    open = window.open("", "design-preview");
  });
  form.addEventListener("change", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (open && !open.closed) form.requestSubmit(button);
    }, 600);
  });
}
