from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from gallery import (
    feeds,
    sitemaps,
    views,
    views_files,
    views_image,
    views_lora,
    views_owner,
    views_site,
)

app_name = "gallery"
urlpatterns: list[URLPattern | URLResolver] = [
    path("loras", views.loras, name="loras"),
    path("loras/pinned", views.pinned, name="pinned"),
    path("loras/feed.atom", feeds.feed, name="feed"),
    path("loras/<uuid:pk>", views_lora.lora, name="lora"),
    path("loras/<uuid:pk>/visitor", views_lora.visitor, name="visitor"),
    path("loras/<uuid:pk>/report", views_lora.report, name="report"),
    path("loras/<uuid:pk>/strip", views_files.strip, name="strip"),
    path(
        "loras/<uuid:pk>/pictures/<uuid:picture_pk>/<int:size>", views_files.picture, name="picture"
    ),
    path("loras/<uuid:pk>/card.jpg", views_files.card, name="card"),
    path("loras/<uuid:pk>/edit", views_owner.edit, name="edit"),
    path("loras/<uuid:pk>/private", views_owner.make_private, name="make_private"),
    path("loras/<uuid:pk>/public", views_owner.make_public, name="make_public"),
    path("loras/<uuid:pk>/hide", views_owner.hide, name="hide"),
    path("loras/<uuid:pk>/show", views_owner.show, name="show"),
    path("loras/<uuid:pk>/delete", views_owner.remove, name="remove"),
    path("loras/<uuid:pk>/images", views_owner.images, name="images"),
    path("images/<uuid:pk>", views_image.image, name="image"),
    path("images/<uuid:pk>/visitor", views_image.image_visitor, name="image_visitor"),
    path("images/<uuid:pk>/hide", views_image.hide_image, name="hide_image"),
    path("images/<uuid:pk>/show", views_image.show_image, name="show_image"),
    path("images/<uuid:pk>/delete", views_image.remove_image, name="remove_image"),
    path("oembed", views_files.oembed, name="oembed"),
    path("licence", views_site.licence, name="licence"),
    path("robots.txt", views_site.robots, name="robots"),
    path("sitemap.xml", sitemaps.sitemap, name="sitemap"),
    path("sitemaps/pages.xml", sitemaps.sitemap_of_pages, name="sitemap_of_pages"),
    path("sitemaps/<str:day>.xml", sitemaps.sitemap_of_day, name="sitemap_of_day"),
]
