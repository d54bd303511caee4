resource "vlan_ip_range" "more" {
  gateway  = "203.0.113.1"
  netmask  = "255.255.255.0"
  start_ip = "203.0.113.10"
  end_ip   = "203.0.113.19"
}
