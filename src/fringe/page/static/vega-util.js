// What vega-interpreter imports from vega-util, which the bundle of Vega has inside.

import "vega";

export const { ascending, isString, DisallowedObjectProperties } = globalThis.vega;
