// What the server has told of this desk, and who draws what of it.
export const state = { state: null, may: [], card: null, person: null, plans: {}, reasons: [], phones: [], callbacks: [] };
const drawers = [];

// draw(state, was) is called when one of the names changes; `was` has the values of before.
export function watch(names, draw) {
  drawers.push([names, draw]);
}

export function take(news) {
  const was = { ...state };
  Object.assign(state, news);
  for (const [names, draw] of drawers) {
    if (names.some((name) => name in news)) draw(state, was);
  }
}

export const may = (act) => state.may.includes(act);
export const plan = () => state.plans?.[state.campaign ?? state.card?.campaign];
export const plan_of = (id) => state.plans?.[id];
export const in_call = () => state.state === "talking" || state.state === "on-hold";
