resource "autoscale_profile" "web" {
  offering = "Medium Instance"
  template = "Rocky Linux 9"
}
