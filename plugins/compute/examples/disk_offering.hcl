resource "disk_offering" "data" {
  name = "Data"
  size = 50
}
