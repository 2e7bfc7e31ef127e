// Marks the page the reader is on in the navigation. The site reads the same without it.
for (const link of document.querySelectorAll("nav a")) {
  const target = link.getAttribute("href");
  const here = location.pathname;
  if (target === here || (target !== "/" && here.startsWith(target))) {
    link.setAttribute("aria-current", "page");
  }
}
