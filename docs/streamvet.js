// What scrolls sideways can be reached with the keyboard: code, diagrams, and the boxes that the theme puts around wide tables.
(() => {
  const reach = () => {
    for (const box of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code, .md-typeset p:has(> img)")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  };
  new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
  addEventListener("resize", reach);
  addEventListener("load", reach);
})();
