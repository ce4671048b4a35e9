(() => {
  const box = document.getElementById("search");
  if (!box) return;
  box.closest("label").hidden = false;
  const rows = [...document.querySelectorAll("table.verdicts tr[data-v]")];
  const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  box.addEventListener("input", () => {
    const wanted = box.value.trim().toLowerCase();
    for (const row of rows) row.hidden = wanted !== "" && !text.get(row).includes(wanted);
  });
  // Each finding has a link; where a page may write to the clipboard, it is copied.
  for (const link of document.querySelectorAll("a.copy")) {
    link.addEventListener("click", () => {
      if (!navigator.clipboard) return;
      navigator.clipboard.writeText(link.href).then(() => {
        link.textContent = "copied";
        setTimeout(() => (link.textContent = "link"), 1500);
      }, () => {});
    });
  }
  // On paper nothing is closed.
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not(.about)")) part.open = true;
  });
  // A link into a closed part of the page opens it.
  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();
