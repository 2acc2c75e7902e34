// A region that scrolls can be reached by keyboard.
for (const region of document.querySelectorAll(".highlight-ipynb, .jp-OutputArea-output")) {
  region.tabIndex = 0;
}
