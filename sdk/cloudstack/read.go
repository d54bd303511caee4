package cloudstack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	pageSize     = 500
	readAttempts = 6
	restPatience = 2 * time.Minute // with a server that refuses for load and says when to ask again
)

// Read sends a command that changes nothing and returns the content of the answer's only key. It tries again when the server is
// overloaded or does not answer.
func (c *Client) Read(ctx context.Context, command string, params Params) (Object, error) {
	patience := time.Now().Add(restPatience)
	for attempt := 0; ; attempt++ {
		out, err := c.do(ctx, command, params, false)
		if err == nil {
			return out, nil
		}
		if ctx.Err() != nil || !readAgain(err) || attempt >= readAttempts-1 || (attempt > 0 && !c.answered.Load()) {
			return nil, err
		}
		if sleepErr := sleep(ctx, backoff(attempt)); sleepErr != nil {
			return nil, sleepErr
		}
		if told(err) && time.Now().Before(patience) {
			attempt-- // it was told when to come back, and comes back then
		}
	}
}

// told says whether the refusal names the time when to ask again.
func told(err error) bool {
	var e *Error
	var f *formatError
	return errors.As(err, &e) && e.Rest > 0 || errors.As(err, &f) && f.rest > 0
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

var restText = regexp.MustCompile(`retry after \[?(\d+)\]? ms`)

// noteRest notes in the error of a request that was refused for load how long the server asked to be left alone: CloudStack says it in
// words, what stands before it in a header.
func noteRest(header http.Header, err error) (rest time.Duration) {
	var e *Error
	var f *formatError
	errors.As(err, &e)
	errors.As(err, &f)
	if seconds, convErr := strconv.Atoi(header.Get("Retry-After")); convErr == nil && seconds > 0 {
		rest = time.Duration(min(seconds, int(longestRest/time.Second))) * time.Second
	} else if e != nil {
		if m := restText.FindStringSubmatch(e.Text); m != nil {
			if ms, convErr := strconv.Atoi(m[1]); convErr == nil {
				rest = time.Duration(min(ms, int(longestRest/time.Millisecond))) * time.Millisecond
			}
		}
	}
	if e != nil {
		e.Rest = rest
	}
	if f != nil {
		f.rest = rest
	}
	return rest
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
