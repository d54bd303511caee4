package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// maxPages ends a listing that never does: with a hundred objects a page this
// is a million.
const maxPages = 10_000

// list reads all pages of a listing. One object, as a read by id answers with,
// is a list of one.
func (a *api) list(ctx context.Context, command string, r Request) ([]any, error) {
	paging := a.settings.Paging
	if r.Paging != nil {
		paging = *r.Paging
	}
	all := []any{}
	seen := map[string]bool{}
	at := a.address(r)
	for page := range maxPages {
		next := paging.ask(at, page, len(all))
		answer, header, err := a.exchange(ctx, command, r, next)
		if err != nil {
			return nil, err
		}
		items, err := a.items(command, answer, r)
		if err != nil {
			return nil, err
		}
		fresh := false
		for _, item := range items {
			id := cloudstack.Object(item).Name(r.ID)
			if fresh = fresh || !seen[id] || id == ""; seen[id] && id != "" {
				continue // the listing moved while it was read
			}
			seen[id] = true
			all = append(all, item)
		}
		// A server that ignores the paging would send the same objects for ever.
		if len(items) == 0 || !fresh {
			return all, nil
		}
		if at, err = paging.next(at, next, answer, header, len(items)); err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
		if at == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%s: the listing does not end after %d pages", command, maxPages)
}

// items are the objects of an answer, each with its id.
func (a *api) items(command string, answer any, r Request) ([]map[string]any, error) {
	var list []any
	switch found := Dig(answer, r.Result).(type) {
	case []any:
		list = found
	case map[string]any:
		list = []any{found}
	case nil:
		if answer != nil && !empty(answer, r.Result) {
			return nil, fmt.Errorf("%s: the answer holds nothing at %q, where the plugin expects its objects (`result`)", command, r.Result)
		}
	default:
		return nil, fmt.Errorf("%s: the answer holds no objects at %q", command, r.Result)
	}
	out := make([]map[string]any, 0, len(list))
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: the answer holds a list of plain values at %q, where objects are expected", command, r.Result)
		}
		r.complete(object)
		out = append(out, object)
	}
	return out, nil
}

// empty tells whether the answer has the key of the result, with null in it.
func empty(answer any, path string) bool {
	head, last := "", path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		head, last = path[:i], path[i+1:]
	}
	object, _ := Dig(answer, head).(map[string]any)
	_, ok := object[last]
	return ok
}

// ask is the address of a page.
func (p Paging) ask(at *url.URL, page, had int) *url.URL {
	out := *at
	query := out.Query()
	switch p.Style {
	case "page":
		query.Set(p.Param, strconv.Itoa(p.First+page))
	case "offset":
		query.Set(p.Param, strconv.Itoa(had))
	case "cursor", "link":
		if page > 0 {
			return &out
		}
	default:
		return &out
	}
	if p.Size != "" {
		query.Set(p.Size, strconv.Itoa(p.Limit))
	}
	out.RawQuery = query.Encode()
	return &out
}

// next is the address that the next page starts from; nil after the last.
func (p Paging) next(at, asked *url.URL, answer any, header http.Header, items int) (*url.URL, error) {
	switch p.Style {
	case "page", "offset":
		if p.Size != "" && items < p.Limit {
			return nil, nil
		}
		return at, nil
	case "cursor":
		cursor := (cloudstack.Object{"c": Dig(answer, p.Next)}).Str("c")
		if cursor == "" {
			return nil, nil
		}
		out := *asked
		query := out.Query()
		query.Set(p.Param, cursor)
		out.RawQuery = query.Encode()
		return &out, nil
	case "link":
		link := nextLink(header)
		if link == "" {
			return nil, nil
		}
		u, err := asked.Parse(link)
		if err != nil || u.Scheme != asked.Scheme || u.Host != asked.Host {
			return nil, fmt.Errorf("the next page of the listing lies at another server, %s; credentials are not sent there", plainAddress(link))
		}
		return u, nil
	}
	return nil, nil
}

// nextLink is the target of rel="next" in the Link header.
func nextLink(header http.Header) string {
	for _, value := range header.Values("Link") {
		for _, link := range strings.Split(value, ",") {
			target, params, ok := strings.Cut(link, ">")
			target = strings.TrimSpace(target)
			if !ok || !strings.HasPrefix(target, "<") {
				continue
			}
			for _, param := range strings.Split(params, ";") {
				name, v, _ := strings.Cut(strings.TrimSpace(param), "=")
				if strings.EqualFold(name, "rel") && strings.EqualFold(strings.Trim(v, `" `), "next") {
					return target[1:]
				}
			}
		}
	}
	return ""
}
