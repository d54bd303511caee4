// Package simulation runs the whole engine from one number: planning, applying,
// the plugin host, the plugin side of the protocol and the client of the cloud
// are the real ones; the state, the wire, the cloud and the clock are in
// memory, and a scheduler that draws from the seed decides what happens next
// and what goes wrong. After each calamity one apply more must leave what the
// stack wants, once, and nothing else.
//
// All of it is tests. Nothing imports the package, and it may import everything
// but the commands and the embedded cloud, which has a clock and sockets of its
// own.
package simulation
