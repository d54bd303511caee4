package cloudstack

import "errors"

// Unsent says whether err proves that its request never reached the cloud.
func Unsent(err error) bool {
	var t *transportError
	return errors.As(err, &t) && !t.sent
}
