// Package otherclients holds the tests that drive the embedded cloud with clients of CloudStack that this project has no
// part in: the official Go SDK's typed services, and from PyPI the client cs and Apache Libcloud's driver. What they accept,
// the users' own tools will accept.
//
// It has no code of its own, and nothing imports it.
package otherclients
