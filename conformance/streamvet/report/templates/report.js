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
  // A link into a closed part of the page opens it.
  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();
