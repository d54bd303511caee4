package cloudstack

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObject(t *testing.T) {
	t.Parallel()
	var o Object
	d := json.NewDecoder(strings.NewReader(`{"id":"x","port":"80","start":80,"big":12345678901234567890,"yes":true,"also":"true","no":"no",
		"cidrs":"10.0.0.0/8 192.168.0.0/16","comma":"b,a","nic":[{"ipaddress":"10.1.1.2"},7],"names":["a",2],
		"details":{"moldctl.op":"OP1","deep":{"er":"v"}},"list":{"x":1}}`))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"id": o.ID(), "port": o.Int("port"), "start": o.Int("start"), "big": o.Str("big"), "yes": o.Bool("yes"), "also": o.Bool("also"), "no": o.Bool("no"),
		"cidrs": o.Words("cidrs"), "comma": o.Words("comma"), "nic": o.List("nic")[0].Str("ipaddress"), "nics": len(o.List("nic")), "names": o.Strings("names"),
		"marker": o.Path("details.moldctl.op"), "deep": o.Path("details.deep.er"), "none": o.Path("details.none.at.all"), "absent": o.Str("absent"), "absentList": len(o.List("absent")),
	}
	want := map[string]any{
		"id": "x", "port": 80, "start": 80, "big": "12345678901234567890", "yes": true, "also": true, "no": false,
		"cidrs": []string{"10.0.0.0/8", "192.168.0.0/16"}, "comma": []string{"a", "b"}, "nic": "10.1.1.2", "nics": 1, "names": []string{"a", "2"},
		"marker": "OP1", "deep": "v", "none": "", "absent": "", "absentList": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accessors (-want +got):\n%s", diff)
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	got := Params{}.Set("name", "web").Set("empty", "").Int("port", 80).Bool("public", false).
		List("ids", []string{"a", "b"}).List("none", nil).
		Map("details", map[string]string{"moldctl.op": "OP"}).
		Pairs("tags", "key", "value", map[string]string{"b": "2", "a": "1"}).
		UserData("#cloud-config\n")
	want := Params{
		"name": "web", "port": "80", "public": "false", "ids": "a,b", "details[0].moldctl.op": "OP",
		"tags[0].key": "a", "tags[0].value": "1", "tags[1].key": "b", "tags[1].value": "2", "userdata": "I2Nsb3VkLWNvbmZpZwo=",
	}
	if diff := cmp.Diff(map[string]string(want), map[string]string(got)); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}
