// Copies the link of a share; without scripts it can be marked and copied by hand.

for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copies);
    const said = button.dataset.copied;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select();
      return;
    }
    button.querySelector("span").textContent = said;
    document.getElementById("copied").textContent = said;
  });
}
