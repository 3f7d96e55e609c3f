// Before anything is painted: the theme that this operator chose, if any; else the system's.
document.documentElement.dataset.theme = localStorage.getItem("momo.theme") || "auto";
