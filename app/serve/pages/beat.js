// A clock for the page: browsers slow the timers of pages in the background
// down to one a minute, but not those of workers.
setInterval(() => postMessage(null), 400);
