// A region that scrolls can be reached by keyboard.
for (const region of document.querySelectorAll(".highlight-ipynb, .jp-OutputArea-output")) {
  region.tabIndex = 0;
}

// Long commands wrap. Printed tables, which have aligned columns, scroll.
for (const code of document.querySelectorAll("pre > code")) {
  if (!/[\u2500-\u257f]|\S {3,}\S/.test(code.textContent)) code.classList.add("wraps");
}
