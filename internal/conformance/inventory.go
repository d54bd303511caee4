package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// passing are listings of what comes and goes by itself.
var passing = []string{"listEvents", "listAsyncJobs", "listAlerts", "listApis", "listConfigurations", "listResourceLimits", "listUsageRecords"}

// filters are parameters that listings insist on.
var filters = map[string]cloudstack.Params{"listTemplates": {"templatefilter": "self"}, "listIsos": {"isofilter": "self"}}

// inventory counts what exists in the cloud, by every listing it has: nothing
// that a plugin makes can hide.
func (w *world) inventory(ctx context.Context) ([]string, error) {
	if w.api != nil {
		return w.api.Inventory(), nil
	}
	keys, _ := w.cloud.Keys("admin")
	transport := &http.Transport{MaxIdleConnsPerHost: listers}
	defer transport.CloseIdleConnections()
	client, err := cloudstack.New(cloudstack.Settings{Endpoint: w.cloud.Endpoint(), APIKey: keys.APIKey, SecretKey: keys.SecretKey, Transport: transport})
	if err != nil {
		return nil, fmt.Errorf("list what exists: %w", err)
	}
	defer client.Close()
	names, err := w.listings()
	if err != nil {
		return nil, err
	}
	counts := make([]string, len(names))
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	next := make(chan int)
	for range listers {
		wg.Go(func() {
			for i := range next {
				counts[i], errs[i] = count(ctx, client, names[i])
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("list what exists: %w", err)
	}
	w.remember(names, counts)
	return slices.DeleteFunc(counts, func(c string) bool { return c == "" }), nil
}

// listers is how many listings are asked for at once.
const listers = 4

// count is the line of one listing; "" when the cloud does not have it.
func count(ctx context.Context, client *cloudstack.Client, command string) (string, error) {
	params := cloudstack.Params{"listall": "true", "page": "1", "pagesize": "1"}
	for k, v := range filters[command] {
		params[k] = v
	}
	answer, err := client.Read(ctx, command, params)
	var refused *cloudstack.Error
	switch {
	case errors.As(err, &refused):
		return "", nil // not there, or only for a parent
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("%s: %d", command, answer.Int("count")), nil
}

// listings are the commands of an inventory.
func (k *kit) listings() ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.listed != nil {
		return k.listed, nil
	}
	table, err := apitable.Load()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range table.Names() {
		command, _ := table.Command(name)
		required := slices.ContainsFunc(command.Params, func(p apitable.Param) bool { return p.Required && filters[name][p.Name] == "" })
		if strings.HasPrefix(name, "list") && !required && !slices.Contains(passing, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// remember keeps the listings that this cloud answers.
func (k *kit) remember(names, counts []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.listed != nil {
		return
	}
	for i, name := range names {
		if counts[i] != "" {
			k.listed = append(k.listed, name)
		}
	}
}

// differ tells how two inventories differ.
func differ(want, have []string) error {
	var lines []string
	for _, line := range want {
		if !slices.Contains(have, line) {
			lines = append(lines, "wanted "+line)
		}
	}
	for _, line := range have {
		if !slices.Contains(want, line) {
			lines = append(lines, "there is "+line)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("what exists is not what should: %s", strings.Join(lines, ", "))
}
