"use strict";
// Filters the findings. Everything can be read without it.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const all = [...document.querySelectorAll("ul.findings > li")];
  if (all.length < 2) return;
  const texts = all.map((one) => one.textContent.toLowerCase());
  // Groups that were opened for the findings of a filter.
  const opened = new Set();
  const filter = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const boxes = [...form.querySelectorAll("[name=severity]:checked")];
    const severities = boxes.map((box) => box.value);
    const check = form.elements.check.value;
    let count = 0;
    all.forEach((one, at) => {
      const is = severities.includes(one.dataset.severity)
        && (!check || one.dataset.check === check)
        && words.every((word) => texts[at].includes(word));
      one.hidden = !is;
      count += is;
    });
    for (const section of document.querySelectorAll("section.check, details.group")) {
      section.hidden = !section.querySelector("ul.findings > li:not([hidden])");
    }
    const closed = document.querySelectorAll("details.group:not([open])");
    if (count < all.length) {
      closed.forEach((one) => { one.open = true; opened.add(one); });
    } else {
      opened.forEach((one) => { one.open = false; });
      opened.clear();
    }
    shown.value = count === all.length ? `${count} findings` : `${count} of ${all.length} findings`;
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(event.target.tagName)) {
      event.preventDefault();
      form.elements.text.focus();
    }
  });
  // A link to a finding shows it, whatever the filters are.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.hidden) {
      form.reset();
      filter();
    }
    for (let at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
    }
    target.scrollIntoView();
    // The heights of findings that were not shown yet are known after the next frame.
    requestAnimationFrame(() => requestAnimationFrame(() => target.scrollIntoView()));
  };
  addEventListener("hashchange", reveal);
  let printed = [];
  addEventListener("beforeprint", () => {
    printed = [...document.querySelectorAll("details:not([open]):not(.list)")];
    printed.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => printed.forEach((one) => { one.open = false; }));
  filter();
  reveal();
});
