// Offers on the screen: shown, counted down, answered, or taken by somebody else. And being paused.
(() => {
  const { $, $$, says, ahead, kept, clock, isOpen, send, ask, refresh, ring } = window.desk;
  const { title } = document;
  const open = () => $$(".offer:not([data-ended])");
  const announce = (text) => { $("#announce").textContent = text; };
  const notify = (text, tag) => {
    if (!document.hidden || window.Notification?.permission !== "granted") return;
    try {
      const shown = new Notification(text, { tag });
      shown.onclick = () => window.focus();
    } catch { /* phones show them from a service worker only */ }
  };

  // Shown. The minute begins when the card has been painted: a frame is asked for and a second one,
  // which no browser gives to a page that is hidden or rendered ahead of being looked at.
  const wholeTime = (card) => $("progress", card).max * 1000;
  const paint = (card) => requestAnimationFrame(() => requestAnimationFrame(() => {
    if (!card.isConnected) return;
    card.until ??= Date.now() + wholeTime(card);
    sayShown(card);
  }));
  const sayShown = async ({ until, dataset: { offer, unshown } }) => {
    if (!until || !unshown) return;
    if (isOpen()) send({ shown: offer });
    else if (await ask(unshown, {})) refresh();
  };
  // Said again until the server says so too: a line may break with the words on it.
  const sayAllShown = () => open().forEach(sayShown);
  document.body.addEventListener("htmx:wsOpen", sayAllShown);
  document.addEventListener("desk:beat", () => { if (isOpen()) sayAllShown(); });
  // What the server counts, by this browser's clock. Until it has heard, a card has its whole time.
  const heed = (card, { now, answerBy, unshown }, difference = Number(now) - Date.now()) => {
    if (unshown) return;
    card.until = Number(answerBy) - difference;
    delete card.dataset.unshown;
  };

  // What is new about presence is said once, and is in view. Attributes of what has an id settle
  // later than what is in it.
  const special = () => [Boolean($("#presence [data-paused]")), Boolean($("#presence .auto-accept"))];
  let [paused, autoAccept] = special();
  const heedPresence = (presence) => {
    const [wasPaused, wasAutoAccept] = [paused, autoAccept];
    [paused, autoAccept] = special();
    if (paused && !wasPaused) {
      announce(`${$("[data-paused]", presence).textContent}. ${$("h1 + p", presence).textContent}`);
      notify(says.paused, "paused");
    }
    if (autoAccept && !wasAutoAccept) {
      announce($(".auto-accept p", presence).textContent);
      $(".auto-accept", presence).scrollIntoView({ block: "center" });
    }
  };

  // Merged, so that the one being read keeps its place and focus
  document.addEventListener("htmx:oobBeforeSwap", ({ target, detail }) => {
    if (target.id !== "offers" || !$("#offers", detail.fragment)) return;
    detail.shouldSwap = false;
    const cards = $$(".offer", detail.fragment);
    const ids = cards.map((card) => card.id);
    for (const card of $$(".offer:not([data-taken])", target)) {
      if (!ids.includes(card.id)) card.remove();
    }
    for (const card of cards) {
      const known = document.getElementById(card.id);
      if (known) heed(known, card.dataset);
      else htmx.process(target.appendChild(card));
    }
  });
  const arrive = (card) => {
    heed(card, card.dataset);
    paint(card);
    announce(card.dataset.announce);
    // Before the first tap a browser would refuse, and say so in its console.
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([200, 100, 200]);
    ring();
    notify(card.dataset.announce, card.id);
  };

  // Ended
  document.addEventListener("desk:taken", ({ detail }) => {
    const card = document.getElementById(`offer-${detail}`);
    if (!card) return;
    const sentence = document.createElement("p");
    sentence.textContent = says.taken;
    $(".answers", card).replaceChildren(sentence);
    for (const mark of ["data-ended", "data-taken"]) card.setAttribute(mark, "");
    announce(says.taken);
    const leave = () => card.remove();
    card.addEventListener("click", leave);
    setTimeout(leave, 10_000);
  });
  const countDown = (card, seconds) => {
    const left = Math.ceil((card.until ? card.until - Date.now() : wholeTime(card)) / 1000);
    card.toggleAttribute("data-soon", left <= 15);
    if (left > 0) {
      $("progress", card).value = left;
      $(".remaining", card).textContent = clock(left * 1000);
      if (seconds % 8 === 0 && left > 20) ring();
    } else {
      card.setAttribute("data-ended", "");
      $(".countdown", card).textContent = says.ended;
      refresh();
    }
  };
  document.addEventListener("desk:second", ({ detail: seconds }) => {
    const cards = open();
    for (const card of cards) countDown(card, seconds);
    const calm = paused ? `${says.paused} · ${title}` : title;
    document.title = cards.length && seconds % 2 ? `● ${says.ring}` : calm;
  });

  // Answered
  addEventListener("keydown", ({ key, target, ctrlKey, metaKey, altKey, repeat }) => {
    if (ctrlKey || metaKey || altKey || repeat || target.closest("input, textarea, select")) return;
    const action = { a: "accept", p: "decline" }[key.toLowerCase()];
    if (action && kept("keys")) $(`.offer:not([data-ended]) [data-action=${action}]`)?.click();
  });
  // Why they passed is asked once, and the question goes by itself.
  const fade = (question) => setTimeout(() => {
    if (question.matches(":hover, :focus-within")) fade(question);
    else question.remove();
  }, 12_000);

  // Accepted by itself: at home the server leads there, elsewhere the list has one more.
  document.addEventListener("htmx:oobBeforeSwap", ({ target, detail: { fragment } }) => {
    if (target.id !== "conversations") return;
    const fresh = $$("#conversations .row", fragment).filter(({ id }) => !document.getElementById(id));
    if (!fresh.length) return;
    ring();
    announce(says.began);
  });

  new MutationObserver((changes) => {
    for (const { addedNodes, target } of changes) {
      for (const node of addedNodes) {
        if (node.matches?.(".offer")) arrive(node);
        if (node.id === "presence") heedPresence(node);
        if (target.id === "passed" && node.matches) fade(node);
      }
    }
  }).observe($("#main"), { childList: true, subtree: true });
  for (const card of open()) {
    heed(card, card.dataset, ahead);
    paint(card);
  }
})();
