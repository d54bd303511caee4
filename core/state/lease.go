package state

import "time"

// DefaultLeaseTime is how long a lease lasts unless it is renewed.
const DefaultLeaseTime = 20 * time.Second
