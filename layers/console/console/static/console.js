// Buttons that copy: they appear only where this script runs.
for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies);
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = button.dataset.copied;
  });
}
// A file that the gateway would not take is refused before it is sent.
for (const input of document.querySelectorAll("[data-limit]")) {
  input.addEventListener("change", () => {
    const exceeds = input.files[0]?.size > Number(input.dataset.limit);
    input.setCustomValidity(exceeds ? input.dataset.exceeded : "");
    input.reportValidity();
  });
}
