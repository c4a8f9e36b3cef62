"""The portal's FHIR R4 side: REST, search, transactions, and what a patient may do."""
