// The badge designer: the badge is drawn again after each change, from the form as it stands.

const place = document.querySelector("[data-badge-preview]");
const form = place?.closest("form") ?? document.querySelector("#badgedesign_form");
if (place && form) {
  const picture = place.querySelector("img");
  const told = place.querySelector("[data-told]");
  const usual = told.textContent;
  let timer = 0;
  let turn = 0;

  const draw = async () => {
    const mine = ++turn;
    let answer;
    try {
      answer = await fetch(place.dataset.badgePreview, { method: "POST", body: new FormData(form) });
    } catch {
      return; // offline for a moment; the next change tries again
    }
    const content = await answer.text();
    if (mine !== turn) return;
    told.textContent = answer.status === 422 ? content : usual;
    if (!answer.ok) return;
    picture.src = `data:image/svg+xml,${encodeURIComponent(content)}`;
    picture.hidden = false;
  };

  const soon = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(draw, 250);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  if (!picture.getAttribute("src") || picture.hidden) soon();
}
