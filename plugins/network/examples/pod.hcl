resource "pod" "second" {
  name     = "pod-2"
  gateway  = "172.17.0.1"
  netmask  = "255.255.255.0"
  start_ip = "172.17.0.10"
  end_ip   = "172.17.0.50"
}
