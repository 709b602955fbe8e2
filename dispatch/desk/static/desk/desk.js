// The desk's live parts. News comes over the socket; what is true is asked for by HTTP.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const { body } = document;
  const says = $("#says").dataset;
  const title = document.title;
  const talk = $("#conversation")?.dataset.conversation;
  const BEAT = 10, SILENT = 25_000;

  // The server's clock, so that a wrong clock here neither adds nor takes time.
  const [arrival] = performance.getEntriesByType("navigation");
  const ahead = Number(body.dataset.now) - (performance.timeOrigin + (arrival?.responseStart ?? 0));
  const now = () => Date.now() + ahead;
  const kept = (name) => localStorage.getItem(`keep:${name}`) !== "off";
  const uuid = () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16));

  // Asking
  const position = () => ({
    signature: $("#signature").dataset.signature,
    ...(talk && {
      conversation: talk,
      after: $("#thread")?.lastElementChild?.dataset.seq ?? 0,
      stage: $("#work")?.dataset.stage ?? "over",
    }),
  });
  const ask = async (url, values) => {
    try {
      const answer = await fetch(url, {
        method: values ? "POST" : "GET",
        headers: { "HX-Request": "true", ...JSON.parse(body.getAttribute("hx-headers")) },
        body: values && new URLSearchParams(values),
        signal: AbortSignal.timeout(12_000),
      });
      const elsewhere = answer.headers.get("HX-Redirect");
      if (elsewhere) location.assign(elsewhere);
      const news = await answer.text();
      if (news && [200, 409, 410, 422].includes(answer.status)) {
        htmx.swap($("#says"), news, { swapStyle: "none", swapDelay: 0, settleDelay: 0 });
      }
      if (answer.status === 403) reload();
      return answer.status;
    } catch {
      return 0;
    }
  };
  const reload = () => {
    const last = Number(sessionStorage.getItem("reloaded"));
    sessionStorage.setItem("reloaded", Date.now());
    if (Date.now() - last > 60_000) location.reload();
  };
  let asking = false, again = false;
  const refresh = async () => {
    again = true;
    if (asking) return;
    asking = true;
    while (again) {
      again = false;
      await ask(`${body.dataset.state}?${new URLSearchParams(position())}`);
    }
    asking = false;
  };
  const notice = (text) => {
    const line = document.createElement("p");
    line.className = "notice wrong";
    line.textContent = text;
    $("#notice").replaceChildren(line);
  };

  // The line
  let line, socket, heard = 0, lostAt = Date.now(), wasLost = false;
  const pause = (tries) => 500 + Math.random() * Math.min(14_500, 1000 * 2 ** tries);
  htmx.config.wsReconnectDelay = pause;
  body.addEventListener("htmx:wsOpen", ({ detail }) => {
    [line, socket, heard] = [detail.socketWrapper, detail.event.target, Date.now()];
    body.dataset.line = "open";
    $("#line").hidden = !wasLost;
    if (wasLost) {
      $("#line").textContent = says.back;
      setTimeout(() => { if (body.dataset.line === "open") $("#line").hidden = true; }, 3000);
    }
    wasLost = false;
    refresh();
    hurry?.();
  });
  body.addEventListener("htmx:wsClose", ({ detail: { event, socketWrapper } }) => {
    if (body.dataset.line === "open") lostAt = Date.now();
    body.dataset.line = "lost";
    if (event.code === 4401) location.assign(body.dataset.login);
    else if (event.code !== 4403 && ![1006, 1011, 1012, 1013].includes(event.code)) {
      setTimeout(socketWrapper.reconnect, pause(2));
    }
  });
  body.addEventListener("htmx:wsBeforeMessage", (event) => {
    heard = Date.now();
    const { message } = event.detail;
    if (message.startsWith("{")) {
      event.preventDefault();
      const frame = JSON.parse(message);
      if (frame.changed || frame.signature !== $("#signature").dataset.signature) refresh();
    } else if (document.getElementById(message.match(/id="(offer-[^"]+)"/)?.[1])) {
      event.preventDefault();
    }
  });
  const showLost = () => {
    const seconds = Math.round((Date.now() - lostAt) / 1000);
    if (body.dataset.line !== "lost" || seconds < 3) return;
    const [before, after] = says.lost.split("{s}");
    const count = document.createElement("span");
    count.textContent = seconds;
    if (wasLost) return void ($("#line span").textContent = seconds);
    wasLost = true;
    $("#line").replaceChildren(before, count, after);
    $("#line").hidden = false;
  };
  const beat = () => {
    if (body.dataset.line !== "open") return void refresh();
    if (Date.now() - heard > SILENT) return socket.close(4000);
    line.sendImmediately("{}");
  };

  // What comes in is merged, so that neither focus nor typed words are lost
  document.addEventListener("htmx:oobBeforeSwap", ({ target, detail }) => {
    const fresh = detail.fragment;
    if (target.id === "thread") {
      const last = Number(target.lastElementChild?.dataset.seq ?? 0);
      for (const item of $$(".message", fresh)) if (Number(item.dataset.seq) <= last) item.remove();
    } else if (target.id === "offers" && $("#offers", fresh)) {
      detail.shouldSwap = false;
      const cards = $$(".offer", fresh);
      const ids = cards.map((card) => card.id);
      for (const card of $$(".offer", target)) if (!ids.includes(card.id)) card.remove();
      for (const card of cards) if (!document.getElementById(card.id)) htmx.process(target.appendChild(card));
    } else if (["work", "conversation"].includes(target.id)) {
      const texts = [$("#text")?.value, ...outbox.filter((kept) => target.id === "conversation" || kept.failed)
        .map((kept) => kept.text)].filter(Boolean);
      const unsent = $(".unsent", fresh);
      if (texts.length && unsent) {
        $("blockquote", unsent).textContent = texts.join("\n\n");
        unsent.hidden = false;
      }
      forget((key) => key.includes(talk) && target.id === "conversation");
    }
  });
  new MutationObserver((changes) => {
    const added = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.matches);
    for (const node of added) {
      if (node.matches(".offer")) arrive(node);
      if (node.matches(".message")) hear(node);
      if (node.id === "work") restore();
    }
  }).observe(body, { childList: true, subtree: true });

  // Offers
  const arrive = (card) => {
    card.ahead = Number(card.dataset.now) - Date.now();
    card.rings = 0;
    $("#announce").textContent = card.dataset.announce;
    navigator.vibrate?.([200, 100, 200]);
    if (document.hidden && window.Notification?.permission === "granted") {
      try {
        new Notification(says.ring, { body: card.dataset.announce, tag: card.id }).onclick = () => focus();
      } catch { /* phones show them from a service worker only */ }
    }
  };
  const countDown = (card) => {
    const left = Math.ceil((Number(card.dataset.answerBy) - Date.now() - (card.ahead ?? ahead)) / 1000);
    $("progress", card).value = left;
    card.toggleAttribute("data-soon", left <= 15);
    if (left > 0) $(".left", card).textContent = `0:${String(left).padStart(2, "0")}`;
    else if (!card.hasAttribute("data-ended")) {
      card.setAttribute("data-ended", "");
      $(".countdown", card).textContent = says.ended;
      refresh();
    }
    if (left > 0 && left % 6 === 0 && (card.rings = (card.rings ?? 0) + 1) <= 5) ring();
  };
  addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, metaKey, altKey, repeat } = event;
    if (ctrlKey || metaKey || altKey || repeat || target.closest("input, textarea, select")) return;
    const action = { a: "accept", p: "decline" }[key.toLowerCase()];
    const button = action && kept("keys") && $(`.offer:not([data-ended]) [data-action=${action}]`);
    button?.click();
  });

  // Sound
  let audio;
  const wake = () => {
    audio ??= new AudioContext();
    audio.resume();
  };
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, wake, { passive: true });
  const play = (notes) => {
    if (!kept("sound") || !audio) return;
    notes.forEach((pitch, index) => {
      const [tone, volume, from] = [audio.createOscillator(), audio.createGain(), audio.currentTime + index * 0.18];
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, from);
      volume.gain.exponentialRampToValueAtTime(0.25, from + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, from + 0.4);
      tone.connect(volume).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.42);
    });
  };
  const ring = () => play([660, 880, 660, 880]);

  // The conversation
  const send = $("#composer")?.action;
  const store = `outbox:${talk}`;
  let outbox = JSON.parse(localStorage.getItem(store) ?? "[]");
  let delivering = false, hurry, atEnd = true;
  const end = () => atEnd && $("#outbox")?.scrollIntoView({ block: "end" });
  const keep = (change) => {
    outbox = change(outbox);
    if (outbox.length) localStorage.setItem(store, JSON.stringify(outbox));
    else localStorage.removeItem(store);
    $("#outbox")?.replaceChildren(...outbox.map(({ cid, text, failed }) => {
      const [item, words, state] = ["li", "p", "small"].map((name) => document.createElement(name));
      [item.className, item.dataset.cid, words.className, words.dir] = ["pending", cid, "said", "auto"];
      words.textContent = text;
      state.textContent = failed ? says.failed : says.sending;
      item.toggleAttribute("data-failed", Boolean(failed));
      item.append(words, state);
      return item;
    }));
    end();
  };
  const hear = (message) => {
    const { cid, from } = message.dataset;
    if (cid) keep((all) => all.filter((kept) => kept.cid !== cid));
    else end();
    if (from === "customer" && document.hidden) play([520]);
  };
  const tell = (text) => { const place = $("#work .sending"); if (place) place.textContent = text; };
  const deliver = async () => {
    if (delivering) return;
    delivering = true;
    for (let next, tries = 0; (next = outbox.find((kept) => !kept.failed));) {
      const status = await ask(send, { ...position(), text: next.text, client_message_id: next.cid });
      const { cid } = next;
      if (status === 200) keep((all) => all.filter((kept) => kept.cid !== cid));
      else if ([400, 404, 409, 410, 422].includes(status)) {
        keep((all) => all.map((kept) => (kept.cid === cid ? { ...kept, failed: true } : kept)));
        if (status === 404) refresh();
      } else {
        tell(says.unsent);
        await new Promise((go) => { hurry = go; setTimeout(go, pause(tries++)); });
        continue;
      }
      tell("");
      tries = 0;
    }
    delivering = false;
  };
  const draft = (field) => `draft:${talk}:${field.form.action.split("/").pop()}`;
  const restore = () => {
    for (const field of $$("#work textarea")) field.value ||= localStorage.getItem(draft(field)) ?? "";
  };
  const forget = (chosen) => {
    const ours = Object.keys(localStorage).filter((key) => /^(draft|outbox):/.test(key));
    for (const key of ours) if (chosen(key)) localStorage.removeItem(key);
  };
  document.addEventListener("submit", (event) => {
    const { target: form } = event;
    if ("forget" in form.dataset) forget(() => true);
    if (form.id !== "composer") return;
    event.preventDefault();
    const { text, client_message_id: id } = form.elements;
    if (!text.value.trim()) return;
    atEnd = true;
    keep((all) => [...all, { cid: id.value, text: text.value.trim() }]);
    [text.value, id.value] = ["", uuid()];
    localStorage.removeItem(draft(text));
    text.focus();
    deliver();
  });
  document.addEventListener("input", ({ target }) => {
    if (!target.matches("#work textarea")) return;
    if (target.value) localStorage.setItem(draft(target), target.value);
    else localStorage.removeItem(draft(target));
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "text" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  });
  addEventListener("scroll", () => {
    const last = $("#outbox");
    if (last) atEnd = last.getBoundingClientRect().bottom < innerHeight + 60;
  }, { capture: true, passive: true });

  // Each second
  const clock = (ms) => {
    const all = Math.max(Math.floor(ms / 1000), 0);
    const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
    const two = (number) => String(number).padStart(2, "0");
    return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
  };
  const words = (ms) => {
    const [minutes, hours] = [Math.floor(ms / 60_000), Math.floor(ms / 3_600_000)];
    if (minutes < 1) return `${Math.max(Math.floor(ms / 1000), 0)} s`;
    return hours ? `${hours} h ${String(minutes % 60).padStart(2, "0")}` : `${minutes} min`;
  };
  const pay = ({ since, pay: least, fixed, minute, currency }) => {
    const until = Number($("#work [data-until]")?.dataset.until ?? Infinity);
    const minutes = (Math.min(now(), until) - Number(since)) / 60_000;
    const minor = Math.max(Number(least), Number(fixed) + Math.round(Number(minute) * minutes));
    const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency });
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  };
  const write = (place, text) => { if (place.textContent !== text) place.textContent = text; };
  let seconds = 0;
  const tick = () => {
    for (const place of $$("[data-since]")) {
      const passed = now() - Number(place.dataset.since);
      write(place, place.dataset.pay ? pay(place.dataset) : "words" in place.dataset ? words(passed) : clock(passed));
    }
    for (const place of $$("[data-until]")) write(place, clock(Number(place.dataset.until) - now()));
    const cards = $$(".offer");
    cards.forEach(countDown);
    document.title = cards.length && seconds % 2 ? `● ${says.ring}` : title;
    showLost();
    seconds += 1;
    if (body.dataset.line !== "none" && seconds % BEAT === 0) beat();
  };

  // Choices, and what htmx could not do
  for (const box of $$("[data-keep]")) {
    box.checked = kept(box.dataset.keep);
    box.onchange = () => localStorage.setItem(`keep:${box.dataset.keep}`, box.checked ? "on" : "off");
  }
  $("[data-do=test-sound]")?.addEventListener("click", ring);
  const notify = $("[data-do=notify]");
  if (notify && window.Notification?.permission === "default") {
    notify.hidden = false;
    notify.onclick = () => Notification.requestPermission().then(() => { notify.hidden = true; });
  }
  body.addEventListener("htmx:configRequest", ({ detail }) => Object.assign(detail.parameters, position()));
  for (const failure of ["htmx:sendError", "htmx:timeout"]) {
    body.addEventListener(failure, () => notice(says.unreached));
  }
  body.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    if (xhr.status === 404) refresh();
    else if (xhr.status === 403) reload();
    else notice(says.broken);
  });
  addEventListener("online", () => { hurry?.(); refresh(); });
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

  forget((key) => $("#conversations") && !$(`[data-conversation="${key.split(":")[1]}"]`));
  if (talk) {
    restore();
    keep((all) => all);
    end();
    deliver();
  }
  try {
    new Worker(body.dataset.beat).onmessage = tick;
  } catch {
    setInterval(tick, 1000);
  }
})();
