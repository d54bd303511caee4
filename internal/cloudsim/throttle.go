package cloudsim

import (
	"strconv"
	"sync"
	"time"
)

// throttle counts the calls of accounts within an interval, as the server's rate limit does. It is off unless the setting
// api.throttling.enabled or the cloud's own option switches it on; root administrators are exempt.
type throttle struct {
	mu       sync.Mutex
	accounts map[string]*quota
}

// quota is what an account has used up of its present interval, which ends in real time like a client's patience.
type quota struct {
	calls int
	until time.Time
}

// count counts a call and returns how many there were, and how long the interval still lasts.
func (t *throttle) count(account string, interval time.Duration, now time.Time) (calls int, rest time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.accounts[account]
	if q == nil || !now.Before(q.until) {
		if t.accounts == nil {
			t.accounts = make(map[string]*quota)
		}
		q = &quota{until: now.Add(interval)}
		t.accounts[account] = q
	}
	q.calls++
	return q.calls, q.until.Sub(now)
}

// used is what count would have counted so far.
func (t *throttle) used(account string, now time.Time) (calls int, rest time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q := t.accounts[account]; q != nil && now.Before(q.until) {
		return q.calls, q.until.Sub(now)
	}
	return 0, 0
}

// forget gives an account a fresh interval; "" all of them.
func (t *throttle) forget(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if account == "" {
		t.accounts = nil
		return
	}
	delete(t.accounts, account)
}

// throttleBounds are how many calls an account has per interval when calls are counted; the cloud's lock is held.
func (c *Cloud) throttleBounds() (most int, interval time.Duration) {
	number := func(name string, otherwise int) int {
		n, err := strconv.Atoi(c.setting(name))
		if err != nil || n < 1 {
			return otherwise
		}
		return n
	}
	interval = time.Duration(number("api.throttling.interval", 1)) * time.Second
	if c.opts.Throttle > 0 {
		return c.opts.Throttle, interval
	}
	return number("api.throttling.max", 25), interval
}

// throttled refuses a caller who has made too many calls.
func (c *Cloud) throttled(caller Caller) error {
	if caller.Root() {
		return nil
	}
	c.mu.Lock()
	off := c.opts.Throttle == 0 && c.setting("api.throttling.enabled") != "true"
	most, interval := c.throttleBounds()
	c.mu.Unlock()
	if off {
		return nil
	}
	calls, rest := c.throttle.count(caller.Account.ID, interval, time.Now())
	if calls <= most {
		return nil
	}
	return Fail(429, csServer, "The given user has reached his/her account api limit, please retry after [%d] ms.", rest.Milliseconds())
}

// throttleCommands tell about the limit.
var throttleCommands = map[string]command{
	"getApiLimit":   {run: getAPILimit},
	"resetApiLimit": {run: resetAPILimit, rootOnly: true, kinds: map[string]kind{"account": kindAccount}},
}

func getAPILimit(c *Call) (any, error) {
	a := c.Caller.Account
	most, interval := c.Cloud.throttleBounds()
	calls, rest := c.Cloud.throttle.used(a.ID, time.Now())
	if calls == 0 {
		rest = interval
	}
	return Obj{"apilimit": Obj{"account": a.Name, "accountid": a.ID, "apiIssued": calls, "apiAllowed": most, "expireAfter": rest.Milliseconds()}}, nil
}

func resetAPILimit(c *Call) (any, error) {
	c.Cloud.throttle.forget(c.Str("account"))
	return Success(), nil
}
