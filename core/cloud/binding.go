package cloud

import (
	"errors"
	"fmt"
	"strings"

	"github.com/moldctl/moldctl/core/state"
)

// CheckBinding compares the cloud that a state was written with to the one the
// settings lead to now. Another zone, account or project would make all
// objects look gone, and a plan would make them anew beside the old ones.
func CheckBinding(bound, now state.Binding) error {
	name := "the default cloud"
	if bound.Alias != "" {
		name = fmt.Sprintf("cloud %q", bound.Alias)
	}
	if now.Embedded && !bound.Embedded {
		return FellToEmbedded(bound)
	}
	if bound.Embedded && !now.Embedded {
		return fmt.Errorf("the state was written with the embedded cloud, and %s is now %s; "+
			"use another state for it, or unset the endpoint", name, orUnknown(now.Endpoint))
	}
	var different []string
	for _, part := range []struct{ what, was, is string }{
		{"zone", bound.ZoneID, now.ZoneID},
		{"domain", bound.DomainID, now.DomainID},
		{"account", bound.AccountID, now.AccountID},
		{"project", bound.ProjectID, now.ProjectID},
	} {
		if part.was != part.is {
			different = append(different, fmt.Sprintf("%s %s, now %s", part.what, orNone(part.was), orNone(part.is)))
		}
	}
	if len(different) == 0 {
		return nil
	}
	if bound.Embedded && now.Embedded {
		return errors.New("the state was written with another embedded cloud, or with this one before it was reset; nothing was read or changed; " +
			"name the folder of that cloud (--cloud-dir, MOLDCTL_CLOUD_DIR), or, if it is gone, remove .moldctl/embedded.db beside the stack to begin anew")
	}
	return fmt.Errorf("the state belongs to another place in %s: it was written with %s (endpoint %s, now %s); "+
		"nothing was read or changed; use the credentials, zone and project of the state, or another state",
		name, strings.Join(different, "; "), orUnknown(bound.Endpoint), orUnknown(now.Endpoint))
}

// FellToEmbedded is the error for a stack whose objects are in a real cloud
// while no endpoint is set: with the embedded cloud they would look gone.
func FellToEmbedded(bound state.Binding) error {
	return fmt.Errorf("no endpoint is set, which means the embedded cloud, but this stack has objects in %s; "+
		"set MOLD_API_URL, MOLD_API_KEY and MOLD_SECRET_KEY (or a profile) again, or use another folder for the embedded cloud", orUnknown(bound.Endpoint))
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func orUnknown(text string) string {
	if text == "" {
		return "another cloud"
	}
	return text
}
