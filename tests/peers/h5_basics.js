// What tests.peers.h5_basics looks up in a page; returns what is wrong, in words.
() => {
  const wrong = [], root = document.documentElement;
  const shown = (each) => each.getClientRects().length > 0 && !each.closest(".unseen,.skip") && getComputedStyle(each).visibility !== "hidden";
  const name = (each) => each.tagName.toLowerCase() + (each.id ? "#" + each.id : "") + (each.name ? `[${each.name}]` : "") + (each.className ? "." + each.className : "");
  const all = (what) => [...document.querySelectorAll(what)];
  const look = (fine, what) => { if (!fine) wrong.push(what) };

  look(["zh-CN", "en"].includes(root.lang), `lang is ${root.lang}`);
  look(document.title.trim(), "no title");
  look(all("h1").length === 1, `${all("h1").length} h1`);
  look(all("main").length === 1, "no main");
  let level = 0;
  for (const heading of all("h1,h2,h3,h4").filter((each) => !each.closest("#problems"))) {
    const own = Number(heading.tagName[1]);
    look(own <= level + 1, `${name(heading)} "${heading.textContent.trim()}" follows h${level}`);
    level = own;
  }
  const ids = all("[id]").map((each) => each.id);
  look(new Set(ids).size === ids.length, `ids that are not unique: ${ids.filter((each, at) => ids.indexOf(each) !== at)}`);
  for (const each of all("[aria-describedby],[aria-labelledby]"))
    for (const id of `${each.getAttribute("aria-describedby") || ""} ${each.getAttribute("aria-labelledby") || ""}`.split(" "))
      look(!id || document.getElementById(id), `${name(each)} names ${id}, which is not there`);
  for (const each of all("label[for]")) look(document.getElementById(each.htmlFor), `label for ${each.htmlFor}, which is not there`);
  for (const each of all("input:not([type=hidden]),select,textarea")) {
    const named = [...each.labels].some((label) => label.textContent.trim()) || each.getAttribute("aria-label") || each.getAttribute("aria-labelledby");
    look(named, `${name(each)} has no label`);
    if (each.type === "radio") look(each.closest("fieldset")?.querySelector("legend")?.textContent.trim(), `${name(each)} has no legend`);
  }
  for (const each of all("button,a[href]"))
    look(each.textContent.trim() || each.getAttribute("aria-label") || (each.ariaHidden === "true" && each.tabIndex < 0), `${name(each)} has no name`);
  for (const each of all("img")) look(each.hasAttribute("alt"), `${name(each)} has no alt`);
  for (const each of all("iframe,object,embed")) look(each.title, `${name(each)} has no title`);
  for (const each of all("canvas")) look(each.getAttribute("aria-label") || each.getAttribute("aria-labelledby"), `${name(each)} has no name`);
  for (const each of all("[href='#'],[tabindex]")) look(!(each.tabIndex > 0), `${name(each)} changes the order of tabs`);
  for (const place of all("#problems a[href^='#']")) look(document.getElementById(place.hash.slice(1)), `a problem leads to ${place.hash}, which is not there`);

  look(root.scrollWidth <= innerWidth, `scrolls sideways: ${root.scrollWidth} of ${innerWidth}: ${all("body *").filter((each) => shown(each) && each.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map(name)}`);
  for (const each of all("button,.button,select,label.choice,input:not([type=radio]):not([type=checkbox]):not([type=hidden]),textarea,summary").filter(shown)) {
    const size = each.getBoundingClientRect();
    look(size.height >= 43.5 && size.width >= 43.5, `${name(each)} is ${Math.round(size.width)} by ${Math.round(size.height)}`);
  }

  const parts = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((each) => each / 255).map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const behind = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const each = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !shown(each) || each.closest("[disabled],script,datalist,option")) continue;
    const style = getComputedStyle(each), size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const found = ratio(parts(style.color), behind(each));
    look(found >= least, `${name(each)} "${texts.currentNode.textContent.trim().slice(0, 20)}" has contrast ${found.toFixed(2)}`);
    look(size >= 14, `${name(each)} is written in ${size} pixels`);
  }
  for (const each of all("input[type=text],input[type=date],input[type=tel],select,textarea").filter(shown))
    look(ratio(parts(getComputedStyle(each).borderTopColor), behind(each.parentElement)) >= 3, `${name(each)} has a faint border`);
  return wrong;
}
