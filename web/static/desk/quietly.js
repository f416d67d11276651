// Asking the server from anywhere; whoever asks says what a refusal means.
let wire;
export const set_wire = (the_wire) => { wire = the_wire; };
export const ask_quietly = (what, body) => wire.ask(what, body);
