// Before anything is painted: the colours that were chosen on this browser, if any were.
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "";
