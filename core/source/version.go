package source

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/core/spec"
)

// versionTag is a tag that is a version: 1.2, v1.2.3. Pre-releases are taken
// only by name.
var versionTag = regexp.MustCompile(`^v?(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,2}$`)

// anyVersion is a tag that is a version or a pre-release.
var anyVersion = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+){0,2}([-+][0-9A-Za-z.+-]+)?$`)

// versionOf is the version that a tag says, "" if it says none.
func versionOf(tag string) string {
	if !anyVersion.MatchString(tag) || !strings.Contains(tag, ".") {
		return ""
	}
	return strings.TrimPrefix(tag, "v")
}

// newest finds the tag of the newest version that a constraint allows.
func (s *Store) newest(ctx context.Context, src Source, allowed spec.Constraint) (string, error) {
	var tags []string
	var err error
	if src.Kind == Git {
		tags, err = gitTags(ctx, src)
	} else {
		tags, err = (&registry{client: s.client, source: src, logins: logins{s.opts.Logins}}).tags(ctx)
	}
	if err != nil {
		return "", err
	}
	tags = slices.DeleteFunc(tags, func(tag string) bool { return !versionTag.MatchString(tag) })
	slices.SortFunc(tags, compareTags)
	for _, tag := range slices.Backward(tags) {
		if ok, err := allowed.Allows(tag); err == nil && ok {
			return tag, nil
		}
	}
	if len(tags) == 0 {
		return "", fmt.Errorf("%s: it has no tag that is a version (v1.2.3), so none fits %q", src, allowed)
	}
	return "", fmt.Errorf("%s: no version fits %q; the newest are %s", src, allowed, strings.Join(tags[max(0, len(tags)-5):], ", "))
}

func compareTags(a, b string) int {
	x, y := numbers(a), numbers(b)
	return cmp.Or(slices.Compare(x[:], y[:]), cmp.Compare(a, b))
}

func numbers(tag string) (n [3]int) {
	for i, part := range strings.Split(strings.TrimPrefix(tag, "v"), ".") {
		n[i], _ = strconv.Atoi(part) // the tag is a version
	}
	return n
}
