// Offers on the screen: reported as shown, counted down, answered or taken. Also the pause.
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

  // Shown. The minute begins when the card has been painted, after two animation frames. Browsers
  // give none to a hidden or prerendered page.
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
  // Reported again until the server confirms it, because the connection may break.
  const sayAllShown = () => open().forEach(sayShown);
  document.body.addEventListener("htmx:wsOpen", sayAllShown);
  document.addEventListener("desk:beat", () => { if (isOpen()) sayAllShown(); });
  // The server's deadline on this browser's clock. Before the report, a card has its whole minute.
  const heed = (card, { now, answerBy, unshown }, difference = Number(now) - Date.now()) => {
    if (unshown) return;
    card.until = Number(answerBy) - difference;
    delete card.dataset.unshown;
  };

  // A change of presence is announced once, and scrolled into view. htmx sets the attributes of an
  // element with an id later than its content.
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

  // Merged, so that the card in use keeps its place and focus
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
    // Before the first tap the browser would refuse, with an error in its console.
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
  // The question why is asked once, and disappears by itself.
  const fade = (question) => setTimeout(() => {
    if (question.matches(":hover, :focus-within")) fade(question);
    else question.remove();
  }, 12_000);

  // Accepted automatically: the home page is redirected there, other pages only list it.
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
