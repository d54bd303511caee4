package lb

import (
	"net/http"
	"strings"
)

// requestCookie is the server a request asks for by cookie, or "".
func requestCookie(rule Rule, r *http.Request) string {
	if !rule.sticksByCookie() {
		return ""
	}
	c, err := r.Cookie(rule.CookieName())
	if err != nil {
		return ""
	}
	if rule.Stickiness.Params["mode"] == "prefix" {
		server, _, found := strings.Cut(c.Value, "~")
		if !found {
			return ""
		}
		return server
	}
	return c.Value
}

// restoreCookie changes the request's cookie for the server: mode prefix takes its mark off, indirect
// hides the cookie; otherwise the server sees it.
func restoreCookie(out *http.Request, rule Rule, x *exchange) {
	if !rule.sticksByCookie() || x.client.cookie == "" {
		return
	}
	_, indirect := rule.Stickiness.Params["indirect"]
	prefix := rule.Stickiness.Params["mode"] == "prefix"
	if !indirect && !prefix {
		return
	}
	cookies := out.Cookies()
	out.Header.Del("Cookie")
	for _, c := range cookies {
		if c.Name == rule.CookieName() {
			if !prefix {
				continue
			}
			_, c.Value, _ = strings.Cut(c.Value, "~")
		}
		out.AddCookie(c)
	}
}

// setCookie marks the response with the server that gave it. Mode insert does so only when the request
// did not name that server already; rewrite and prefix change a cookie the server itself sets.
func setCookie(resp *http.Response, rule Rule, x *exchange) {
	if !rule.sticksByCookie() || x.server == nil {
		return
	}
	params, value := rule.Stickiness.Params, x.server.cookie()
	switch params["mode"] {
	case "rewrite", "prefix":
		changeCookies(resp, rule.CookieName(), func(c *http.Cookie) {
			if params["mode"] == "prefix" {
				value += "~" + c.Value
			}
			c.Value = value
		})
		return
	}
	if x.client.cookie == value {
		return
	}
	if _, only := params["postonly"]; only && resp.Request.Method != http.MethodPost {
		return
	}
	text := rule.CookieName() + "=" + value + "; path=/"
	for domain := range strings.FieldsFuncSeq(params["domain"], func(c rune) bool { return c == ':' }) {
		text += "; domain=" + domain
	}
	resp.Header.Add("Set-Cookie", text)
	if _, nocache := params["nocache"]; nocache {
		resp.Header.Set("Cache-Control", "private")
	}
}

// changeCookies applies change to the cookies of that name which the server sets.
func changeCookies(resp *http.Response, name string, change func(*http.Cookie)) {
	cookies := resp.Cookies()
	resp.Header.Del("Set-Cookie")
	for _, c := range cookies {
		if c.Name == name {
			change(c)
		}
		resp.Header.Add("Set-Cookie", c.String())
	}
}
