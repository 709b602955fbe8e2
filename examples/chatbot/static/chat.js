// The live part of the page. Without it, the forms still work: each is a plain POST and a redirect.
const main = document.querySelector("main[data-conversation]");
if (main) start(main);

function start(main) {
  const log = document.getElementById("log");
  const scroller = document.getElementById("scroller");
  const composer = document.getElementById("composer");
  const text = document.getElementById("text");
  const outbox = openOutbox(main.dataset.conversation);
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  let flushing = false;
  let lost;
  let atEnd = true;
  let lastTop = 0;

  // Messages

  function show(message) {
    const known = log.querySelector(`[data-id="${CSS.escape(message.id)}"]`);
    const item = known ?? document.getElementById("blank").content.firstElementChild.cloneNode(true);
    fill(item, message);
    if (!known || Number(known.dataset.place) !== message.place) put(item, message.place);
    if (atEnd || (!known && message.from === "customer")) toEnd();
  }

  function fill(item, message) {
    item.className = `message ${message.from}`;
    Object.assign(item.dataset, { from: message.from, id: message.id, delivery: message.delivery });
    for (const [part, words] of [[".name", message.who], [".initial", message.initial], [".text", message.text]])
      write(item.querySelector(part), words);
    write(item.querySelector(".delivery"), message.delivery_words);
    item.querySelector("time").dateTime = message.at;
    write(item.querySelector("time"), clock.format(new Date(message.at)));
  }

  function put(item, place) {
    item.dataset.place = place;
    const later = [...log.children].find((other) => other !== item && Number(other.dataset.place) > place);
    log.insertBefore(item, later ?? null);
  }

  function write(element, words) {
    if (element.textContent !== words) element.textContent = words; // a screen reader reads each change aloud
  }

  function toEnd() {
    atEnd = true;
    scroller.scrollTop = scroller.scrollHeight;
  }

  // State: the bot or a person has the conversation

  function turn(state) {
    if (state.conversation !== main.dataset.conversation) return location.reload();
    main.dataset.state = state.state;
    write(document.getElementById("headline"), state.headline);
    text.placeholder = state.composer;
    offer(state.choices);
  }

  function offer(choices) {
    const form = document.getElementById("choices");
    if ([...form.children].map((b) => b.value).join("\n") === choices.join("\n")) return;
    if (form.contains(document.activeElement)) text.focus();
    form.replaceChildren(...choices.map((choice) => {
      const button = document.createElement("button");
      Object.assign(button, { name: "text", value: choice, textContent: choice });
      return button;
    }));
    toEnd();
  }

  // Sending: messages are kept until the server has them and sent in order; a repeat is ignored

  function say(words) {
    const message = { id: crypto.randomUUID?.() ?? `m-${Date.now()}-${Math.random().toString(36).slice(2)}`, text: words };
    outbox.add(message);
    showUnsent(message, main.dataset.sending);
    flush();
  }

  function showUnsent(message, words) {
    const seen = log.querySelector(`[data-id="${CSS.escape(message.id)}"]`);
    if (seen && seen.dataset.place !== "Infinity") return; // the server has it, so its state counts
    const at = seen?.querySelector("time").dateTime ?? new Date().toISOString();
    show({ ...message, from: "customer", who: main.dataset.name, initial: "", at, place: Infinity, delivery: "local", delivery_words: words });
  }

  async function flush() {
    if (flushing) return;
    flushing = true;
    for (let pause = 500; outbox.first(); ) {
      const message = outbox.first();
      const status = await post("messages", message);
      if (status < 500 && status !== 429) {
        outbox.drop(message);
        showUnsent(message, status < 400 ? "" : main.dataset.refused);
        pause = 500;
      } else {
        showUnsent(message, main.dataset.retrying);
        await new Promise((go) => setTimeout(go, pause));
        pause = Math.min(pause * 2, 8000);
      }
    }
    flushing = false;
  }

  async function post(action, fields = {}) {
    try {
      const headers = { Accept: "application/json" };
      const answer = await fetch(action, { method: "POST", headers, body: new URLSearchParams(fields) });
      return answer.status;
    } catch {
      return 599; // no response
    }
  }

  // The connection to the server

  function listen() {
    const source = new EventSource("events");
    source.onopen = () => { clearTimeout(lost); lost = undefined; lineLost(false); };
    source.onerror = () => {
      lost ??= setTimeout(lineLost, 1500, true);
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
    };
    source.addEventListener("messages", (event) => JSON.parse(event.data).forEach(show));
    source.addEventListener("state", (event) => turn(JSON.parse(event.data)));
  }

  function lineLost(yes) {
    const line = document.getElementById("line-lost");
    write(line, yes ? line.dataset.text : "");
  }

  scroller.addEventListener("scroll", () => {
    const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (below < 80) atEnd = true;
    else if (scroller.scrollTop < lastTop) atEnd = false; // only scrolling up ends auto-scroll
    lastTop = scroller.scrollTop;
  });
  new ResizeObserver(() => { if (atEnd) toEnd(); }).observe(scroller); // a taller bar, a keyboard
  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = text.value.trim();
    if (words) say(words);
    text.value = "";
    text.focus();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });
  for (const form of main.querySelectorAll(".choices, .human"))
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      say(event.submitter.value);
      text.focus({ preventScroll: true });
    });
  main.querySelector(".leave").addEventListener("submit", async (event) => {
    event.preventDefault();
    if ((await post("leave")) >= 400) lineLost(true);
    text.focus({ preventScroll: true });
  });

  for (const time of log.querySelectorAll("time")) time.textContent = clock.format(new Date(time.dateTime));
  for (const message of outbox.all()) showUnsent(message, main.dataset.sending);
  toEnd();
  listen();
  flush();
  if (matchMedia("(hover: hover)").matches) text.focus();
}

/** Words not yet taken by the server; a reload of the page does not lose them. */
function openOutbox(conversation) {
  const key = `outbox ${conversation}`;
  let waiting = JSON.parse(sessionStorage.getItem(key) ?? "[]");
  const keep = () => sessionStorage.setItem(key, JSON.stringify(waiting));
  return {
    all: () => [...waiting],
    first: () => waiting[0],
    add: (message) => { waiting.push(message); keep(); },
    drop: ({ id }) => { waiting = waiting.filter((other) => other.id !== id); keep(); },
  };
}
