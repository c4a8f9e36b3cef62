"""The client of one FHIR portal: searches and writes over HTTP, results as model records."""
