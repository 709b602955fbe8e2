// A timer of its own thread: browsers slow the timers of hidden pages to one a minute, and an
// agent whose tab is behind another would seem gone.
setInterval(() => postMessage(0), 1000);
