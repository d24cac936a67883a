// The names that vega-interpreter imports from vega-util; Vega's bundle contains vega-util.

import "vega";

export const { ascending, isString, DisallowedObjectProperties } = globalThis.vega;
