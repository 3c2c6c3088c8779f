// Dropping a file anywhere on the page hands it in; choosing one does so at once. Without this, the button does.

const form = document.querySelector("form.ways");
if (form) {
  const input = form.querySelector("input[name=file]");
  const photo = form.querySelector("input[name=photo]");
  const area = form.querySelector(".drop");
  const chosen = form.querySelector(".drop-chosen");
  const waiting = form.querySelector(".waiting");
  const limit = Number(form.dataset.limit) * 1_000_000;

  const handIn = (field) => {
    const file = field.files[0];
    if (!file) return;
    if (file.size > limit) {
      chosen.textContent = `${file.name}: ${Math.ceil(file.size / 1_000_000)} MB > ${form.dataset.limit} MB`;
      field.value = "";
      return;
    }
    (field === input ? photo : input).value = "";
    chosen.textContent = file.name;
    form.requestSubmit();
  };

  input.addEventListener("change", () => handIn(input));
  photo.addEventListener("change", () => handIn(photo));
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      area.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length > 0) {
        input.files = event.dataTransfer.files;
        handIn(input);
      }
    });
  }
  form.addEventListener("submit", () => {
    waiting.hidden = false;
    waiting.dataset.verdict = "pending";
  });
  window.addEventListener("pageshow", () => {
    waiting.hidden = true;
    delete waiting.dataset.verdict;
  });
}
