// Sliders beside the numbers of a form; once somebody has let go of one, the answer comes by itself. While it is
// worked out the one before stays. Without this file the form is sent, and the page looks again by itself.
"use strict";

(() => {
  const LET_GO = 500; // by keyboard a slider moves step by step
  const AGAIN = 700;

  const form = document.getElementById("suppose");
  const going = document.getElementById("whatif-going");
  const answer = document.getElementById("whatif-answer");
  const voice = document.getElementById("whatif-voice");
  if (!form || !answer) return;

  let asked = 0; // what came of an earlier question is not shown any more
  let waiting;

  for (const slider of form.querySelectorAll("input[data-slides]")) {
    const field = form.elements[slider.dataset.slides];
    slider.hidden = false;
    slider.value = field.value;
    slider.addEventListener("input", () => { field.value = slider.value; });
    field.addEventListener("input", () => { slider.value = field.value; });
  }
  const custom = form.querySelector("[data-only-custom]");
  const showCustom = () => { custom.hidden = form.elements.range.value !== "custom"; };
  form.elements.range.addEventListener("change", showCustom);
  showCustom();

  form.addEventListener("change", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (form.checkValidity()) ask(query()); }, LET_GO);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(query());
  });

  function query() {
    return new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  }

  function ask(words) {
    history.replaceState(null, "", `${form.getAttribute("action")}?${words}`);
    clearTimeout(waiting);
    look(words, ++asked);
  }

  async function look(words, number) {
    let text;
    try {
      const got = await fetch(`${form.dataset.part}?${words}`, { headers: { Accept: "text/html" }, redirect: "manual" });
      if (got.type === "opaqueredirect") text = plain("Nobody is logged in any more. Load the page again.");
      else text = got.ok ? await got.text() : plain(told(await got.text()));
    } catch {
      text = plain("The answer did not come. Press “Work it out” to ask again.");
    }
    if (number === asked) show(text, words, number);
  }

  function plain(words) {
    const made = document.createElement("p");
    made.className = "nothing";
    made.textContent = words;
    return `<div data-state="refused">${made.outerHTML}</div>`;
  }

  /** What a page that refuses something says. */
  function told(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    return (page.querySelector("main section p") || page.body).textContent.trim();
  }

  function show(text, words, number) {
    const made = document.createElement("template");
    made.innerHTML = text;
    const part = made.content.querySelector("[data-state]");
    const isGoing = part !== null && part.dataset.state === "going";
    answer.setAttribute("aria-busy", String(isGoing));
    if (!isGoing) {
      going.replaceChildren();
      answer.replaceChildren(made.content);
      voice.textContent = (part && part.dataset.say) || answer.textContent.trim().slice(0, 200);
      return;
    }
    const progress = going.querySelector("progress");
    const label = going.querySelector("label");
    if (progress) {
      const fresh = part.querySelector("progress");
      progress.value = fresh.value;
      label.textContent = part.querySelector("label").textContent;
    } else {
      if (!answer.querySelector("[data-state=answered]")) answer.replaceChildren();
      part.querySelector("a").remove();
      going.replaceChildren(made.content);
      voice.textContent = "Being worked out";
    }
    const again = new URLSearchParams(words);
    again.set("again", "1");
    setTimeout(() => { if (number === asked) look(again, number); }, AGAIN);
  }

  const first = answer.querySelector("[data-state=going]");
  if (first) {
    const again = new URL(first.dataset.again, location.href).searchParams;
    look(again, ++asked);
  }
})();
