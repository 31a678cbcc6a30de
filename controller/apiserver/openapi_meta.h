#pragma once

#include <string_view>

namespace midwatch::apiserver {

/// The schemas of metav1 that every OpenAPI document refers to: a JSON object by component name.
inline constexpr std::string_view kOpenApiMetaSchemas = R"json({
"io.k8s.apimachinery.pkg.apis.meta.v1.Time": {"type": "string", "format": "date-time",
  "description": "A time in RFC 3339, in seconds."},
"io.k8s.apimachinery.pkg.apis.meta.v1.Patch": {"type": "object",
  "description": "A patch; its form follows from the content type."},
"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": {"type": "object",
  "description": "A set of fields, as a tree of their names."},
"io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry": {"type": "object",
  "description": "The fields that one manager has written.",
  "properties": {
    "apiVersion": {"type": "string", "description": "The version that the fields are of."},
    "fieldsType": {"type": "string", "description": "FieldsV1."},
    "fieldsV1": {"allOf": [{"$ref":
      "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"}],
      "description": "The fields."},
    "manager": {"type": "string", "description": "Who manages them."},
    "operation": {"type": "string", "description": "Apply or Update."},
    "subresource": {"type": "string", "description": "Through which subresource."},
    "time": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Time"}],
      "description": "When the set last changed."}}},
"io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference": {"type": "object",
  "description": "An object that this one belongs to and is deleted with.",
  "required": ["apiVersion", "kind", "name", "uid"],
  "x-kubernetes-map-type": "atomic",
  "properties": {
    "apiVersion": {"type": "string", "default": "", "description": "Its API version."},
    "blockOwnerDeletion": {"type": "boolean",
      "description": "Foreground deletion of the owner waits for this object."},
    "controller": {"type": "boolean", "description": "The owner manages this object."},
    "kind": {"type": "string", "default": "", "description": "Its kind."},
    "name": {"type": "string", "default": "", "description": "Its name."},
    "uid": {"type": "string", "default": "", "description": "Its UID."}}},
"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {"type": "object",
  "description":
    "What every object carries: https://kubernetes.io/docs/concepts/overview/working-with-objects/",
  "properties": {
    "annotations": {"type": "object", "additionalProperties": {"type": "string", "default": ""},
      "description": "Texts that tools keep with the object."},
    "creationTimestamp": {"allOf": [{"$ref":
      "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Time"}],
      "description": "When it was created. Set by the server."},
    "deletionGracePeriodSeconds": {"type": "integer", "format": "int64",
      "description": "Set by the server on deletion."},
    "deletionTimestamp": {"allOf": [{"$ref":
      "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Time"}],
      "description":
        "Set by the server when deletion was asked for and finalizers hold the object."},
    "finalizers": {"type": "array", "items": {"type": "string", "default": ""},
      "x-kubernetes-list-type": "set",
      "x-kubernetes-patch-strategy": "merge",
        "description": "Who has something to do before the object goes."},
    "generateName": {"type": "string", "description": "Beginning of a name to be generated."},
    "generation": {"type": "integer", "format": "int64",
      "description": "Counts changes of what is wanted."},
    "labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""},
      "description": "Keys and values to select objects by."},
    "managedFields": {"type": "array", "x-kubernetes-list-type": "atomic",
      "items": {"default": {},
        "allOf": [{"$ref":
        "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry"}]},
      "description": "Which manager has written which fields."},
    "name": {"type": "string", "description": "Unique within the namespace; cannot be changed."},
    "namespace": {"type": "string", "description": "The space that the name is unique in."},
    "ownerReferences": {"type": "array", "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["uid"],
      "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "uid",
      "items": {"default": {},
        "allOf": [{"$ref":
        "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference"}]},
      "description": "The objects that this one depends on."},
    "resourceVersion": {"type": "string",
      "description": "The version of the object, opaque. Set by the server."},
    "selfLink": {"type": "string", "description": "Not used any more."},
    "uid": {"type": "string", "description": "Unique in time and space. Set by the server."}}},
"io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta": {"type": "object",
  "description": "What every list carries.",
  "properties": {
    "continue": {"type": "string", "description": "Where the next page begins."},
    "remainingItemCount": {"type": "integer", "format": "int64",
      "description": "How many items follow."},
    "resourceVersion": {"type": "string", "description": "The version of the list."},
    "selfLink": {"type": "string", "description": "Not used any more."}}},
"io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions": {"type": "object",
  "description": "What must hold for a deletion to happen.",
  "properties": {
    "resourceVersion": {"type": "string", "description": "The present version."},
    "uid": {"type": "string", "description": "The UID."}}},
"io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions": {"type": "object",
  "description": "How to delete.",
  "properties": {
    "apiVersion": {"type": "string", "description": "v1"},
    "dryRun": {"type": "array", "items": {"type": "string", "default": ""},
      "x-kubernetes-list-type": "atomic",
      "description": "All: do everything but the deletion."},
    "gracePeriodSeconds": {"type": "integer", "format": "int64", "description": "Not used here."},
    "kind": {"type": "string", "description": "DeleteOptions"},
    "orphanDependents": {"type": "boolean", "description": "Deprecated: use propagationPolicy."},
    "preconditions": {"allOf": [{"$ref":
      "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions"}],
      "description": "What must hold."},
    "propagationPolicy": {"type": "string", "description": "Background, Foreground or Orphan."}}},
"io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause": {"type": "object",
  "description": "One of the reasons of a failure.",
  "properties": {
    "field": {"type": "string", "description": "The field to blame."},
    "message": {"type": "string", "description": "For people."},
    "reason": {"type": "string", "description": "For programs."}}},
"io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails": {"type": "object",
  "description": "What a Status is about.",
  "properties": {
    "causes": {"type": "array", "x-kubernetes-list-type": "atomic",
      "items": {"default": {},
        "allOf": [{"$ref":
        "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause"}]},
      "description": "The reasons one by one."},
    "group": {"type": "string", "description": "The group of the kind."},
    "kind": {"type": "string", "description": "The kind or resource."},
    "name": {"type": "string", "description": "The object's name."},
    "retryAfterSeconds": {"type": "integer", "format": "int32", "description": "Try again then."},
    "uid": {"type": "string", "description": "The object's UID."}}},
"io.k8s.apimachinery.pkg.apis.meta.v1.Status": {"type": "object",
  "description": "The answer of a call that gives no object.",
  "x-kubernetes-group-version-kind": [{"group": "", "kind": "Status", "version": "v1"}],
  "properties": {
    "apiVersion": {"type": "string", "description": "v1"},
    "code": {"type": "integer", "format": "int32", "description": "The HTTP status."},
    "details": {"allOf": [{"$ref":
      "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails"}],
      "description": "What it is about."},
    "kind": {"type": "string", "description": "Status"},
    "message": {"type": "string", "description": "For people."},
    "metadata": {"default": {},
      "allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"}],
      "description": "Of the list, where there is one."},
    "reason": {"type": "string", "description": "For programs."},
    "status": {"type": "string", "description": "Success or Failure."}}}
})json";

}  // namespace midwatch::apiserver
