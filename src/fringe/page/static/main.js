// Starts all scripts of the page.

import { startExplorers } from "fringe/explorer";
import { startPrint } from "fringe/print";
import { startTicks } from "fringe/ticks";
import { startTips } from "fringe/tips";

document.documentElement.classList.add("scripted");
startTips();
startTicks();
startPrint();
startExplorers();
if (document.querySelector("article.curve")) {
  const { startPlots } = await import("fringe/plots");
  startPlots();
}
document.documentElement.dataset.ready = "";
