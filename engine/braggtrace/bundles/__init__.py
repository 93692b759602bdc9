"""Evidence about one probe: captured, checked, compared, sealed into a directory that can be verified later."""
