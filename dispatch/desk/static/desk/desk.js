// The live parts of the desk. The socket only announces changes; the state is read by HTTP.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const { body } = document;
  const says = $("#says").dataset;
  const BEAT = 10, ALONE = 3, SILENT = 25_000;

  // The server's clock, so that a wrong clock of this device does not change the countdown.
  const [arrival] = performance.getEntriesByType("navigation");
  const ahead = Number(body.dataset.now) - (performance.timeOrigin + (arrival?.responseStart ?? 0));
  const now = () => Date.now() + ahead;
  const kept = (name) => localStorage.getItem(`keep:${name}`) !== "off";

  // State requests
  const position = () => {
    const talk = $("#conversation")?.dataset.conversation;
    return {
      signature: $("#signature").dataset.signature,
      ...(body.matches(".home") && { home_since: body.dataset.now }),
      ...(talk && {
        conversation: talk,
        after: $("#thread")?.lastElementChild?.dataset.seq ?? 0,
        stage: $("#work")?.dataset.stage ?? "over",
      }),
    };
  };
  const reload = () => {
    const last = Number(sessionStorage.getItem("reloaded"));
    sessionStorage.setItem("reloaded", Date.now());
    if (Date.now() - last > 60_000) location.reload();
  };
  // Request the state, show what is new, and return the status; 0 without a response.
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
  const happen = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
  const notice = (text) => {
    const words = document.createElement("p");
    words.className = "notice wrong";
    words.textContent = text;
    $("#notice").replaceChildren(words);
  };

  // The WebSocket
  let line, socket, heard = 0, lostAt = Date.now(), told = false;
  const wait = (tries) => 500 + Math.random() * Math.min(14_500, 1000 * 2 ** tries);
  htmx.config.wsReconnectDelay = wait;
  const isOpen = () => body.dataset.line === "open";
  const send = (frame) => line.sendImmediately(JSON.stringify(frame));
  body.addEventListener("htmx:wsOpen", ({ detail }) => {
    [line, socket, heard] = [detail.socketWrapper, detail.event.target, Date.now()];
    body.dataset.line = "open";
    if (told) {
      $("#line").textContent = says.back;
      setTimeout(() => { $("#line").hidden = isOpen(); }, 3000);
    }
    told = false;
    refresh();
  });
  body.addEventListener("htmx:wsClose", ({ detail: { event, socketWrapper } }) => {
    if (isOpen()) lostAt = Date.now();
    body.dataset.line = "lost";
    if (event.code === 4401) location.assign(body.dataset.login);
    else if (event.code !== 4403 && ![1006, 1011, 1012, 1013].includes(event.code)) {
      setTimeout(socketWrapper.reconnect, wait(2));
    }
  });
  body.addEventListener("htmx:wsBeforeMessage", (event) => {
    heard = Date.now();
    const { message } = event.detail;
    if (message.startsWith("{")) {
      event.preventDefault();
      const frame = JSON.parse(message);
      if (frame.taken) happen("desk:taken", frame.taken);
      else if (frame.changed || frame.signature !== position().signature) refresh();
    } else if (document.getElementById(message.match(/id="(offer-[^"]+)"/)?.[1])) {
      event.preventDefault();
    } else {
      // The page now shows more than its signature covers, so removing the card is a change.
      $("#signature").dataset.signature = "";
    }
  });
  const showLost = () => {
    const seconds = Math.round((Date.now() - lostAt) / 1000);
    if (body.dataset.line !== "lost" || seconds < 3) return;
    if (!told) {
      const [before, after] = says.lost.split("{s}");
      $("#line").replaceChildren(before, document.createElement("span"), after);
      $("#line").hidden = false;
    }
    told = true;
    $("#line span").textContent = seconds;
  };
  const beat = () => {
    if (Date.now() - heard > SILENT) socket.close(4000);
    else send({});
    happen("desk:beat");
  };

  addEventListener("keydown", ({ key }) => { if (key === "Escape") $(".menu").open = false; });
  addEventListener("click", ({ target }) => { if (!target.closest(".menu")) $(".menu").open = false; });

  // Sound, created after the first tap of the agent
  let audio;
  const wake = () => {
    audio ??= new AudioContext();
    audio.resume();
  };
  for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, wake, { passive: true });
  const play = (pitches) => {
    if (!kept("sound") || !audio) return;
    pitches.forEach((pitch, index) => {
      const [tone, volume] = [audio.createOscillator(), audio.createGain()];
      const from = audio.currentTime + index * 0.18;
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

  // Each second
  const two = (number) => String(number).padStart(2, "0");
  const clock = (ms) => {
    const all = Math.max(Math.floor(ms / 1000), 0);
    const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
  };
  const words = (ms) => {
    const [minutes, hours] = [Math.floor(ms / 60_000), Math.floor(ms / 3_600_000)];
    if (minutes < 1) return `${Math.max(Math.floor(ms / 1000), 0)} s`;
    return hours ? `${hours} h ${two(minutes % 60)}` : `${minutes} min`;
  };
  const pay = ({ since, pay: least, fixed, minute, currency }) => {
    const until = Number($("#work [data-until]")?.dataset.until ?? Infinity);
    const minutes = (Math.min(now(), until) - Number(since)) / 60_000;
    const minor = Math.max(Number(least), Number(fixed) + Math.round(Number(minute) * minutes));
    const { lang } = document.documentElement;
    const format = new Intl.NumberFormat(lang, { style: "currency", currency });
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  };
  const write = (place, text) => { if (place.textContent !== text) place.textContent = text; };
  const passed = (place) => {
    const { dataset } = place;
    if (dataset.pay) return pay(dataset);
    return ("words" in dataset ? words : clock)(now() - Number(dataset.since));
  };
  let seconds = 0;
  const tick = () => {
    seconds += 1;
    for (const place of $$("[data-since]")) write(place, passed(place));
    for (const place of $$("[data-until]")) write(place, clock(Number(place.dataset.until) - now()));
    happen("desk:second", seconds);
    showLost();
    if (body.dataset.line === "lost" && seconds % ALONE === 0) refresh();
    else if (body.dataset.line !== "none" && seconds % BEAT === 0) beat();
  };

  // Choices, and requests that htmx could not complete
  for (const box of $$("[data-keep]")) {
    box.checked = kept(box.dataset.keep);
    const store = () => localStorage.setItem(`keep:${box.dataset.keep}`, box.checked ? "on" : "off");
    box.addEventListener("change", store);
  }
  $("[data-do=test-sound]")?.addEventListener("click", ring);
  const notify = $("[data-do=notify]");
  if (notify && window.Notification?.permission === "default") {
    notify.hidden = false;
    notify.onclick = async () => {
      await Notification.requestPermission();
      notify.hidden = true;
    };
  }
  body.addEventListener("htmx:configRequest", ({ detail }) => {
    Object.assign(detail.parameters, position());
  });
  // An update may have replaced the element that sent a request before its response came. htmx
  // would then look for its targets in the removed element.
  body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (!detail.shouldSwap || detail.requestConfig.elt.isConnected) return;
    detail.shouldSwap = false;
    htmx.swap(body, detail.serverResponse, { swapStyle: "none" });
  });
  for (const failure of ["htmx:sendError", "htmx:timeout"]) {
    body.addEventListener(failure, () => notice(says.unreached));
  }
  body.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    if (xhr.status === 404) refresh();
    else if (xhr.status === 403) reload();
    else if (xhr.status !== 401) notice(says.broken);
  });
  addEventListener("online", refresh);
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

  window.desk = {
    $, $$, says, ahead, kept, clock, isOpen, send, position, ask, refresh, play, ring, wait,
  };
  try {
    new Worker(body.dataset.beat).onmessage = tick;
  } catch {
    setInterval(tick, 1000);
  }
})();
