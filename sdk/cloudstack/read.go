package cloudstack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	pageSize     = 500
	readAttempts = 6
)

// Read sends a command that changes nothing and returns the content of the answer's only key. It tries again when the server is
// overloaded or does not answer.
func (c *Client) Read(ctx context.Context, command string, params Params) (Object, error) {
	var err error
	for attempt := range readAttempts {
		var out Object
		if out, err = c.do(ctx, command, params, false); err == nil {
			return out, nil
		}
		if ctx.Err() != nil || !readAgain(err) || (attempt > 0 && !c.answered.Load()) {
			break
		}
		if sleepErr := sleep(ctx, backoff(attempt)); sleepErr != nil {
			return nil, sleepErr
		}
	}
	return nil, err
}

// readAgain says whether a read that failed so may succeed a moment later.
func readAgain(err error) bool {
	if busy(err) || CodeOf(err) == 530 {
		return true
	}
	var t *transportError
	if errors.As(err, &t) {
		var dns *net.DNSError
		return !errors.As(t.err, &dns) || dns.IsTemporary
	}
	var f *formatError
	return errors.As(err, &f) && f.status >= 500
}

// backoff grows from about 100 ms to 5 s and is spread, so that clients do not come back together.
func backoff(attempt int) time.Duration {
	d := min(100*time.Millisecond<<attempt, 5*time.Second)
	return d/2 + rand.N(d) //nolint:gosec // no secret depends on it
}

// refusedDial says whether err is from opening the connection, so that nothing was sent.
func refusedDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

var pageLimit = regexp.MustCompile(`max allowed page size value: (\d+)`)

// List reads all pages of a listing. key is the array's name in the answer; when empty, the first array found. A dotted key leads to
// lists within the objects: nic.secondaryip. An empty listing is no error.
func (c *Client) List(ctx context.Context, command string, params Params, key string) ([]Object, error) {
	if c.carrier != nil {
		answer, err := c.Read(ctx, command, params) // the carrier knows how its API pages
		return answer.List(key), err
	}
	size := pageSize
	key, inner, _ := strings.Cut(key, ".")
	var all []Object
	first := ""
	for page := 1; ; page++ {
		asked := Params{"page": strconv.Itoa(page), "pagesize": strconv.Itoa(size)}
		for k, v := range params {
			asked[k] = v
		}
		answer, err := c.Read(ctx, command, asked)
		var refused *Error
		if errors.As(err, &refused) && page == 1 && size == pageSize {
			if m := pageLimit.FindStringSubmatch(refused.Text); m != nil {
				if n, convErr := strconv.Atoi(m[1]); convErr == nil && n > 0 && n < size {
					size, page = n, 0
					continue
				}
			}
		}
		if err != nil {
			return nil, err
		}
		items, err := pick(command, answer, key)
		if err != nil {
			return nil, err
		}
		// A server that does not page this listing would send the same objects for ever.
		if page > 1 && len(items) > 0 && items[0].ID() != "" && items[0].ID() == first {
			return all, nil
		}
		if page == 1 && len(items) > 0 {
			first = items[0].ID()
		}
		all = append(all, Within(items, inner)...)
		if len(items) != size {
			return all, nil
		}
	}
}

// pick is the array of a listing's answer.
func pick(command string, answer Object, key string) ([]Object, error) {
	if key != "" {
		if _, ok := answer[key]; ok {
			if only := answer.Map(key); only != nil {
				return []Object{only}, nil // what there is but once, such as the capabilities
			}
			return answer.List(key), nil
		}
	} else {
		for k, v := range answer {
			if _, ok := v.([]any); ok {
				return answer.List(k), nil
			}
		}
	}
	for k, v := range answer {
		if items, ok := v.([]any); ok && len(items) > 0 {
			return nil, fmt.Errorf("%s: the answer holds %q where %q was expected; this is a bug in moldctl", command, k, key)
		}
	}
	return nil, nil
}
